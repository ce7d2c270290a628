// Known answers for AES-256-GCM with nonces of 12 bytes: test cases 13 to 16 of McGrew and Viega's submission to NIST.

export interface GcmCase {
  readonly name: string;
  readonly key: string;
  readonly nonce: string;
  readonly aad: string;
  readonly plaintext: string;
  readonly ciphertext: string;
  readonly tag: string;
}

const ZEROS = "00".repeat(32);
const KEY = "feffe9928665731c6d6a8f9467308308".repeat(2);
const NONCE = "cafebabefacedbaddecaf888";
const PLAINTEXT =
  "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72" +
  "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255";
const CIPHERTEXT =
  "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa" +
  "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad";

type Row = readonly [name: string, key: string, nonce: string, aad: string, plain: string, cipher: string, tag: string];

const ROWS: readonly Row[] = [
  ["NIST 13", ZEROS, ZEROS.slice(0, 24), "", "", "", "530f8afbc74536b9a963b4f1c4cb738b"],
  [
    "NIST 14",
    ZEROS,
    ZEROS.slice(0, 24),
    "",
    ZEROS.slice(0, 32),
    "cea7403d4d606b6e074ec5d3baf39d18",
    "d0d1c8a799996bf0265b98b5d48ab919",
  ],
  ["NIST 15", KEY, NONCE, "", PLAINTEXT, CIPHERTEXT, "b094dac5d93471bdec1a502270e3cc6c"],
  [
    "NIST 16",
    KEY,
    NONCE,
    "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    PLAINTEXT.slice(0, 120),
    CIPHERTEXT.slice(0, 120),
    "76fc6ece0f4e1768cddf8853bb2d551b",
  ],
];

export const SUBMITTED_GCM: readonly GcmCase[] = ROWS.map(([name, key, nonce, aad, plaintext, ciphertext, tag]) => ({
  name,
  key,
  nonce,
  aad,
  plaintext,
  ciphertext,
  tag,
}));
