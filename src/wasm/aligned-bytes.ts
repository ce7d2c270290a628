// Bytes that begin at a page of memory, which only WebAssembly can promise.

/** Zeros, `pages` × 64 KiB of them, at an address that is a multiple of the system's page. */
export function pageAlignedBytes(pages: number): Uint8Array {
  return new Uint8Array(new WebAssembly.Memory({ initial: pages }).buffer);
}
