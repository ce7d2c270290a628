// The cases of Project Wycheproof, from the text files beside this.

import { readFileSync } from "node:fs";
import type { GcmCase } from "./aes-256-gcm.ts";

interface Verdict {
  /** By which Wycheproof names it. */
  readonly id: number;
  readonly isValid: boolean;
}

export interface WycheproofGcmCase extends GcmCase, Verdict {}

/** All but the verdict in hexadecimal. */
export interface WycheproofSignature extends Verdict {
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
}

export const WYCHEPROOF_GCM: readonly WycheproofGcmCase[] = linesOf("wycheproof-aes-256-gcm.txt").map((fields) => {
  const [id, verdict, key = "", nonce = "", aad = "", plaintext = "", ciphertext = "", tag = ""] = fields;
  return { ...verdictOf(id, verdict), name: `Wycheproof ${id}`, key, nonce, aad, plaintext, ciphertext, tag };
});

export const WYCHEPROOF_SIGNATURES: readonly WycheproofSignature[] = signatures();

function signatures(): WycheproofSignature[] {
  const found: WycheproofSignature[] = [];
  let publicKey = "";
  for (const [first, second, message = "", signature = ""] of linesOf("wycheproof-ed25519.txt")) {
    if (first === "key") publicKey = second ?? "";
    else found.push({ ...verdictOf(first, second), publicKey, message, signature });
  }
  return found;
}

/** What is no comment, in its fields; "-" is a field of no bytes. */
function linesOf(file: string): string[][] {
  const lines = readFileSync(new URL(file, import.meta.url), "utf8").split("\n");
  return lines
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split(" ").map((field) => (field === "-" ? "" : field)));
}

function verdictOf(id: string | undefined, word: string | undefined): Verdict {
  if (word !== "valid" && word !== "invalid") throw new Error(`${id} has the verdict ${word}`);
  return { id: Number(id), isValid: word === "valid" };
}
