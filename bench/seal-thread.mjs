// A thread that encrypts the records it is sent, and sends them back: the other half of a batch in the suite `encrypt`.
import { parentPort, workerData } from "node:worker_threads";
import { sealingModules } from "./sealing-modules.mjs";

const { make } = await sealingModules(workerData);
const cipher = make();
parentPort.on("message", ({ bytes, headers }) => {
  const view = new DataView(bytes.buffer);
  for (const header of headers) cipher.seal(bytes, view, header);
  parentPort.postMessage(bytes, [bytes.buffer]);
});
parentPort.postMessage("ready");
