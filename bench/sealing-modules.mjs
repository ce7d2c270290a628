// The parts of the package that encrypt payloads, by themselves, for the suite `encrypt`.
const LOG_ID = "00000000-0000-4000-8000-000000000000";
const STREAM = "bench";

export const KEY = new Uint8Array(32).fill(0x42);

/** From sources or from a build; `entry` is the URL of what the package exports there. */
export async function sealingModules(entry) {
  const extension = entry.slice(entry.lastIndexOf("."));
  // What ships is bundled. Its parts are where they were put together from.
  const room = entry.replace("/dist/adapters/", "/build/js/adapters/");
  const part = (path) => import(new URL(`${path}${extension}`, room).href);
  const [{ PayloadCipher }, { hkdf }, { sha256Of }, runtime] = [
    await part("../src/crypto/payload-cipher"),
    await part("../src/crypto/hkdf"),
    await part("../src/crypto/sha256"),
    await runtimeOf(part),
  ];
  const sha256 = sha256Of(runtime);
  const derive = () => hkdf(sha256, { secret: KEY, salt: KEY, info: new Uint8Array(60), bytes: 32 });
  const make = () =>
    new PayloadCipher({ logId: LOG_ID, stream: STREAM }, { key: 1, epoch: 1 }, runtime.aead.prepareKey(derive()));
  return { make };
}

async function runtimeOf(part) {
  if (globalThis.Deno) return (await part("./deno")).denoRuntime();
  if (globalThis.Bun) return (await part("./bun")).bunRuntime();
  return (await part("./node")).nodeRuntime();
}
