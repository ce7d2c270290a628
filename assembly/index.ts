// The core's exports and nothing else. Pure functions over linear memory: no imports, no heap, only numbers cross.
export { controlPointer, messagesPointer, digestsPointer, hashesPointer, entryPointer, arenaStart } from "./memory";
export { sha256, sha256Entry } from "./sha256";
export { sha256Many, sha256Entries } from "./sha256x4";
export { crc32 } from "./crc32";
export { encode, encodeHeaders, encodeTrailers, linkToEntry, enterHeader, keepEntryHash } from "./record";
export { walk, link, compareLinks } from "./record";
export { pageAdd, pageFinish, pageIsGood } from "./page";
export { pageFindDistance, findTimestamp, findMagic, countZeros } from "./search";
