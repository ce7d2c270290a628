// What must be known of a machine to read its numbers.
import { statfsSync } from "node:fs";
import { arch, cpus, release, totalmem, type } from "node:os";

// statfs(2), f_type.
const FILE_SYSTEMS = {
  61267: "ext4",
  1481003842: "xfs",
  2435016766: "btrfs",
  801189825: "zfs",
  16914836: "tmpfs",
  2035054128: "overlayfs",
  26985: "nfs",
};

export function describeMachine(directory) {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? "unknown",
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: `${type()} ${release()} ${arch()}`,
    fileSystem: fileSystemOf(directory),
  };
}

function fileSystemOf(directory) {
  const { type: number } = statfsSync(directory);
  return process.platform === "linux"
    ? (FILE_SYSTEMS[number] ?? `type ${number}`)
    : `${process.platform}, type ${number}`;
}
