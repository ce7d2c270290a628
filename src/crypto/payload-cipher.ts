// Payloads, encrypted where they lie in a record. docs/format.md, "Encrypted payload".
import {
  PAYLOAD_KEY_BYTES,
  PAYLOAD_TAG_BYTES,
  RECORD_HEADER_BYTES,
  RECORD_LENGTH_AT,
  RECORD_OFFSET_AT,
  RECORD_PREVIOUS_AT,
  SEGMENT_LOG_ID_BYTES,
  SEGMENT_STREAM_BYTES,
} from "../../assembly/layout.ts";
import { uuidBytes } from "../format/log-identity.ts";
import { readU32 } from "../format/u32.ts";
import type { AeadKey } from "../runtime.ts";

const encoder = new TextEncoder();

const NONCE_BYTES = 12;
const OFFSET_BYTES = 8;
const HEADER_AT = SEGMENT_LOG_ID_BYTES + SEGMENT_STREAM_BYTES;
// The header's bytes before the link, which is not known yet when a payload is encrypted.
const KEY_AT = HEADER_AT + RECORD_PREVIOUS_AT;

/**
 * One key for the payloads of one stream in one epoch. The offset is the nonce: no offset may be sealed twice in an epoch.
 */
export class PayloadCipher {
  /** Numbers of the data key and the epoch, as records name them. */
  readonly key: number;
  readonly epoch: number;
  readonly #aead: AeadKey;
  readonly #aad = new Uint8Array(KEY_AT + PAYLOAD_KEY_BYTES);
  readonly #aadView = new DataView(this.#aad.buffer);
  readonly #nonce = new Uint8Array(NONCE_BYTES);

  constructor(place: { logId: string; stream: string }, numbers: { key: number; epoch: number }, aead: AeadKey) {
    this.key = numbers.key;
    this.epoch = numbers.epoch;
    this.#aead = aead;
    this.#aad.set(uuidBytes(place.logId));
    this.#aad.set(encoder.encode(place.stream), SEGMENT_LOG_ID_BYTES);
    this.#aadView.setUint32(KEY_AT, this.key, true);
  }

  /**
   * Encrypts the payload of the record at `header`, whose header is complete up to the link. The plaintext lies where
   * the ciphertext will: behind room for the key's number and before room for the tag.
   */
  seal(bytes: Uint8Array, view: DataView, header: number): void {
    this.#bind(bytes, header);
    const payload = header + RECORD_HEADER_BYTES;
    const end = payload + view.getUint32(header + RECORD_LENGTH_AT, true);
    view.setUint32(payload, this.key, true);
    this.#aead.seal(this.#nonce, this.#aad, bytes, payload + PAYLOAD_KEY_BYTES, end);
  }

  /** The payload of the record at `header`, or `null` when it is not what was sealed for this place. */
  open(bytes: Uint8Array, header: number): Uint8Array | null {
    this.#bind(bytes, header);
    const payload = header + RECORD_HEADER_BYTES;
    const start = payload + PAYLOAD_KEY_BYTES;
    const end = payload + readU32(bytes, header + RECORD_LENGTH_AT);
    const plaintext = new Uint8Array(end - PAYLOAD_TAG_BYTES - start);
    return this.#aead.open(this.#nonce, this.#aad, bytes.subarray(start, end), plaintext) ? plaintext : null;
  }

  drop(): void {
    this.#aead.drop();
  }

  // Loops: for so few bytes the views that `set` wants cost more than the copying.
  #bind(bytes: Uint8Array, header: number): void {
    const aad = this.#aad;
    const nonce = this.#nonce;
    for (let i = 0; i < RECORD_PREVIOUS_AT; i++) aad[HEADER_AT + i] = bytes[header + i] as number;
    for (let i = 0; i < OFFSET_BYTES; i++) nonce[i] = bytes[header + RECORD_OFFSET_AT + i] as number;
  }
}
