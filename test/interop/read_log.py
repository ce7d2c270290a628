#!/usr/bin/env python3
"""Reads a Diatreme log and checks all of it: read_log.py [--summary] <log> … Written from docs/format.md alone, for Python 3.8
without packages. Prints a line of JSON for each good record, and one for each stream: its head, and the first thing that is bad
in it. The exit status is 1 when something is. A stream must fit into memory."""
import hashlib, json, os, re, struct, sys, uuid, zlib
from collections import namedtuple
from derived_files import checkpoints, contradicted, sealed_offset
Record = namedtuple("Record", "segment offset position end told timestamp kind payload previous commit hash")
class Bad(Exception): pass

def sha(*parts): return hashlib.sha256(b"".join(parts)).digest()
def read_file(*path):
    with open(os.path.join(*path), "rb") as file: return file.read()
def need(holds, *facts):
    if not holds: raise Bad(*facts)

def log_id_of(folder):
    data = read_file(folder, "log.json")
    need(b'"version":1,' in data, "LOG_VERSION_UNSUPPORTED", "L5")
    form = rb'(\{"format":"diatreme","version":1,"id":"([-0-9a-f]{36})","created":\d{1,16}),"crc":"([0-9a-f]{8})"\}\n'
    line = re.fullmatch(form, data)
    need(line and zlib.crc32(line[1]) == int(line[3], 16), "LOG_IDENTITY_INVALID", "L8")
    return uuid.UUID(line[2].decode()).bytes

def read_header(data, number, log_id, stream):  # the first offset, and the CRC of the salt
    need(len(data) >= 128, "SEGMENT_HEADER_INVALID", "S1", number)
    need(data[:8] == b"DIATREME", "SEGMENT_HEADER_INVALID", "S2", number)
    need(zlib.crc32(data[:124]) == struct.unpack_from("<I", data, 124)[0], "SEGMENT_HEADER_INVALID", "S3", number)
    version, zero, told, first, created = struct.unpack_from("<HHIQQ", data, 8)
    need(version == 1, "LOG_VERSION_UNSUPPORTED", "S4", number)
    identity = told == number, data[32:48] == log_id, data[48:112] == stream.encode().ljust(64, b"\0")
    fields = zero == 0 and not any(data[116:124]), *identity, first < 2**53 > created and (number > 0 or first == 0)
    for condition, holds in enumerate(fields, 5): need(holds, "SEGMENT_HEADER_INVALID", f"S{condition}", number)
    return first, zlib.crc32(data[112:116])

def read_record(data, at, seed, segment, offset):
    """The record at byte `at`, checked alone: R1 to R8 (R2 is a reader's own limit; this one has none)."""
    place, left = (segment, offset, at), len(data) - at
    need(left >= 64, "RECORD_TRUNCATED", None, *place)
    need(data[at:at + 4] == b"DTR1", "RECORD_HEADER_INVALID", "R1", *place)
    n, told, timestamp, kind, compression, flags, zero, epoch = struct.unpack_from("<IQQBBBBI", data, at + 4)
    need(left >= 72 + n, "RECORD_TRUNCATED", None, *place)
    header, payload, end = data[at:at + 64], data[at + 64:at + 64 + n], at + 72 + n
    commit, crc = struct.unpack_from("<II", data, end - 8)
    need(crc == zlib.crc32(data[at:end - 4], seed), "RECORD_CRC_MISMATCH", "R3", *place)
    known = kind <= 1, compression == 0, flags <= 1, zero == 0 and not commit >> 30 & 1, epoch == 0 or flags == 1
    for number, holds in enumerate(known, 4): need(holds, "RECORD_HEADER_INVALID", f"R{number}", *place)
    return Record(*place, end, told, timestamp, kind, payload, header[32:], commit, sha(header, sha(payload)))

def joined(records, head, timestamp=0):
    """How many records pass R9 to R11, and what is wrong with the next. Without a head the first link is trusted."""
    for i, one in enumerate(records):
        if one.told != one.offset: return i, Bad("RECORD_OFFSET_WRONG", "R9", *one[:3])
        if one.timestamp < timestamp: return i, Bad("RECORD_TIMESTAMP_BACKWARDS", "R10", *one[:3])
        if head is not None and one.previous != head:
            if i > 0 and (one is records[-1] or records[i + 1].previous == one.hash):
                return i - 1, Bad("RECORD_CHAIN_BROKEN", "R11", *records[i - 1][:3])
            return i, Bad("RECORD_LINK_WRONG", "R11", *one[:3])
        head, timestamp = one.hash, one.timestamp
    return len(records), None

def was_synced(data, seed, segment, offset, position):
    """Evidence: a good record behind a bad one was made when the bad one was known to be synced."""
    for found in re.finditer(b"(?=DTR1)", data[position + 1:]):
        distance = found.start() + 1
        try: later = read_record(data, position + distance, seed, segment, offset)
        except Bad: continue
        most, unsynced = offset + (distance + 71) // 72, later.commit & 0x3FFFFFFF
        if offset < later.told <= most and later.told - unsynced > offset: return True

def read_segment(path, data, number, newest, log_id, stream, before):
    """The records to show, what is wrong behind them, and how many bytes lie behind the end."""
    (first, seed), records, at, bad = read_header(data, number, log_id, stream), [], 128, None
    need(first == len(before), "SEGMENT_OFFSET_WRONG", None, number)
    try:
        while at < len(data):
            records.append(read_record(data, at, seed, number, first + len(records)))
            at = records[-1].end
    except Bad as fault: bad = fault
    if not newest:
        if not bad and not records: bad = Bad("RECORD_TRUNCATED", None, number, first, 128)
        if not bad and records[-1].commit >> 31: bad = Bad("APPEND_INCOMPLETE", None, *records[-1][:3])
        return records, bad, 0
    # A fault in an older segment is found later, when all are joined.
    count, broken = joined(before[-1:] + records, sha(data[:112]) if number == 0 else None)
    count, broken = (count - len(before[-1:]), broken) if count >= len(before[-1:]) else (len(records), None)
    while count > 0 and records[count - 1].commit >> 31: count -= 1
    bad, end = broken or bad, records[count - 1].end if count else 128
    known = checkpoints(path + ".ckpt", number, first, data[112:116])[1]
    sealed = first + count < max(known, sealed_offset(path + ".idx", seed, first))
    synced = sealed or bad and any(data[end:]) and was_synced(data, seed, *bad.args[2:])
    lost = Bad("RECORD_TRUNCATED", None, number, first + count, end)
    return records[:count], (bad or lost) if synced else None, len(data) - end

def read_stream(folder, stream):
    """The good records, the head behind them, what is wrong then, and how many bytes lie behind the end."""
    files = (re.fullmatch(r"segment_(\d{6,})\.log", name) for name in os.listdir(os.path.join(folder, stream)))
    names, records, genesis, bad, behind = sorted((int(match[1]), match[0]) for match in files if match), [], b"", None, 0
    try:
        log_id = log_id_of(folder)
        for index, (number, name) in enumerate(names):
            need(index == number, "SEGMENT_MISSING", None, index)
            path, data = os.path.join(folder, stream, name), read_file(folder, stream, name)
            genesis = genesis or sha(data[:112])
            found, bad, behind = read_segment(path, data, number, number == names[-1][0], log_id, stream, records)
            records += found
            if bad: break
    except Bad as fault: bad = fault
    count, broken = joined(records, genesis)
    for number, name in names if not (broken or bad) else []:
        if contradicted(os.path.join(folder, stream, name), number, records, genesis):
            bad = bad or Bad("CHECKPOINT_CONTRADICTED", None, number)
    return records[:count], records[count - 1].hash if count else genesis, broken or bad, behind

status = 0
for folder in (argument for argument in sys.argv[1:] if argument != "--summary"):
    for stream in sorted(entry.name for entry in os.scandir(folder) if entry.is_dir() and entry.name != "lock"):
        records, head, bad, behind = read_stream(folder, stream)
        for one in records if "--summary" not in sys.argv else []:
            line = dict(log=folder, stream=stream, offset=one.offset, timestamp=one.timestamp, kind=one.kind)
            print(json.dumps(dict(line, hash=one.hash.hex(), payload_sha256=sha(one.payload).hex())))
        facts = bad and dict(zip(("code", "condition", "segment", "offset", "position"), bad.args))
        print(json.dumps(dict(log=folder, stream=stream, records=len(records), head=head.hex(), behind=behind, bad=facts)))
        status = 1 if bad else status
sys.exit(status)
