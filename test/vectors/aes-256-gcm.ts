// Known answers for AES-256-GCM with nonces of 12 bytes: test cases 13 to 16 of McGrew and Viega's submission to NIST, and
// test vectors of Project Wycheproof (aes_gcm_test, by their number).

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
  [
    "Wycheproof 91",
    "92ace3e348cd821092cd921aa3546374299ab46209691bc28b8752d17f123c20",
    "00112233445566778899aabb",
    "00000000ffffffff",
    "00010203040506070809",
    "e27abdd2d2a53d2f136b",
    "9a4a2579529301bcfb71c78d4060f52c",
  ],
  [
    "Wycheproof 92",
    "29d3a44f8723dc640239100c365423a312934ac80239212ac3df3421a2098123",
    "00112233445566778899aabb",
    "aabbccddeeff",
    "",
    "",
    "2a7d77fa526b8250cb296078926b5020",
  ],
  [
    "Wycheproof 93",
    "80ba3192c803ce965ea371d5ff073cf0f43b6a2ab576b208426e11409c09b9b0",
    "4da5bf8dfd5852c1ea12379d",
    "",
    "",
    "",
    "4771a7c404a472966cea8f73c8bfe17a",
  ],
  [
    "Wycheproof 94",
    "cc56b680552eb75008f5484b4cb803fa5063ebd6eab91f6ab6aef4916a766273",
    "99e23ec48985bccdeeab60f1",
    "",
    "2a",
    "06",
    "633c1e9703ef744ffffb40edf9d14355",
  ],
  [
    "Wycheproof 96",
    "67119627bd988eda906219e08c0d0d779a07d208ce8a4fe0709af755eeec6dcb",
    "68ab7fdbf61901dad461d23c",
    "",
    "51f8c1f731ea14acdb210a6d973e07",
    "43fc101bff4b32bfadd3daf57a590e",
    "ec04aacb7148a8b8be44cb7eaf4efa69",
  ],
  [
    "Wycheproof 98",
    "3b2458d8176e1621c0cc24c0c0e24c1e80d72f7ee9149a4b166176629616d011",
    "45aaa3e5d16d2d42dc03445d",
    "",
    "3ff1514b1c503915918f0c0c31094a6e1f",
    "73a6b6f45f6ccc5131e07f2caa1f2e2f56",
    "2d7379ec1db5952d4e95d30c340b1b1d",
  ],
  [
    "Wycheproof 100",
    "b279f57e19c8f53f2f963f5f2519fdb7c1779be2ca2b3ae8e1128b7d6c627fc4",
    "98bc2c7438d5cd7665d76f6e",
    "c0",
    "fcc515b294408c8645c9183e3f4ecee5127846d1",
    "eb5500e3825952866d911253f8de860c00831c81",
    "ecb660e1fb0541ec41e8d68a64141b3a",
  ],
];

export const GCM_CASES: readonly GcmCase[] = ROWS.map(([name, key, nonce, aad, plaintext, ciphertext, tag]) => ({
  name,
  key,
  nonce,
  aad,
  plaintext,
  ciphertext,
  tag,
}));
