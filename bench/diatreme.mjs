// This log, as a contender. A contender has a name, `open(folder)`, which gives a session to append with, and
// `payloads(folder)`, which reads back what is stored. A session prepares events once, outside of what is timed.

export const STREAM = "bench";

/** @param library - `{ name, openLog }`: a build of the package */
export function diatreme({ name, openLog }, options = {}, { variant = "", standStill = false } = {}) {
  return {
    name: name + variant,
    async open(folder) {
      const log = await openLog(folder, options);
      const stream = log.stream(STREAM);
      return {
        log,
        stream,
        prepare: (events) => (events.length === 1 ? events[0] : events),
        append: standStill ? (events) => stream.appendSync(events) : (events) => stream.append(events),
        flush: () => log.flush(),
        close: () => log.close(),
      };
    },
    async *payloads(folder) {
      const { encryption } = options;
      const log = await openLog(folder, { readOnly: true, ...(encryption === undefined ? {} : { encryption }) });
      for (const record of log.stream(STREAM).read({ verify: "crc", zeroCopy: true })) yield record.payload;
      await log.close();
    },
  };
}
