"""What the files beside a segment tell read_log.py: the index and the checkpoints. Written from docs/format.md alone."""
import os, struct, zlib

def sealed_offset(path, seed, first):
    """Evidence: records before this offset were synced, as a sealed page of the index tells."""
    pages, offset = b"", first
    if os.path.isfile(path):
        with open(path, "rb") as file: pages = file.read()
    for number in range(len(pages) // 4096):
        page = pages[4096 * number:4096 * number + 4096]
        crc, count, flags, position, told = struct.unpack_from("<IHHQQ", page)
        distances = struct.unpack_from("<1016I", page, 32)[:count]
        good = crc == zlib.crc32(page[4:], seed) and 1 <= count <= 1016 and distances[0] == 0
        good = good and all(later - one >= 72 for one, later in zip(distances, distances[1:]))
        good = good and told == first + 1016 * number and (position > 128 if number else position == 128)
        if good and flags == 1: offset = told + count
    return offset

def checkpoints(path, number, first, salt):
    """The good entries of a checkpoint file (C1 to C6), and the offset that the last of them says was synced."""
    data, found, highest = b"", [], 0
    if os.path.isfile(path):
        with open(path, "rb") as file: data = file.read()
    header = struct.pack("<4sHHI", b"CKPT", 1, 128, number)
    if data[:16] != header + struct.pack("<I", zlib.crc32(salt + header)): return found, 0
    for at in range(16, len(data) - 127, 128):
        entry = data[at:at + 128]
        offset, position, head, timestamp = struct.unpack_from("<QQ32sQ", entry)
        good = struct.unpack_from("<I", entry, 124)[0] == zlib.crc32(salt + entry[:124])
        good = good and 128 <= position < 2**31 and 0 <= offset - first <= (position - 128) // 72
        good = good and (offset == first) == (position == 128) and offset < 2**53 > timestamp
        if good and (any(entry[60:124]) or not any(entry[56:60])): found.append((offset, position, head))
    return found, found[-1][0] if found else 0

def contradicted(path, number, records, genesis):
    """Whether a checkpoint names another head than the records of its segment have."""
    with open(path, "rb") as file: header = file.read(128)
    first = struct.unpack_from("<Q", header, 16)[0]
    for offset, position, head in checkpoints(path + ".ckpt", number, first, header[112:116])[0]:
        if offset > len(records): continue
        if head != (records[offset - 1].hash if offset else genesis): return True
