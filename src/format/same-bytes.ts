/** Whether two byte sequences are equal. Not for secrets: it takes longer the more of them agrees. */
export function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}
