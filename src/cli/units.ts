// Numbers as people read them. Units are decimal: 1 MB is 1,000,000 bytes.

/** `1234567` → `1,234,567`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `1 record`, `1,234 records`. */
export function formatPlural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

const UNITS = ["bytes", "kB", "MB", "GB", "TB"];

/** `1234567` → `1.23 MB`. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return unit === 0 ? formatPlural(bytes, "byte") : `${threeDigits(value)} ${UNITS[unit]}`;
}

/** `4.21 s`, `12.3 ms`, `2 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 999.5) return `${threeDigits(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 99.5) return `${threeDigits(seconds)} s`;
  const whole = Math.round(seconds);
  return `${formatCount(Math.floor(whole / 60))} min ${whole % 60} s`;
}

/** `2,400,000 records/s, 310 MB/s`. */
export function formatRate(records: number, bytes: number, ms: number): string {
  const seconds = Math.max(ms, 0.001) / 1000;
  return `${formatCount(roundedTo3(records / seconds))} records/s, ${formatBytes(bytes / seconds)}/s`;
}

// Records that were appended together have the same time, and making a date of it costs a microsecond.
let lastMs = 0;
let lastIso = new Date(lastMs).toISOString();

/** µs since the Unix epoch → `2026-01-31T12:00:00.000123Z`. */
export function formatTime(micros: number): string {
  const ms = Math.floor(micros / 1000);
  if (ms !== lastMs) {
    lastMs = ms;
    lastIso = new Date(ms).toISOString();
  }
  return `${lastIso.slice(0, -1)}${String(micros - ms * 1000).padStart(3, "0")}Z`;
}

function threeDigits(value: number): string {
  if (value >= 99.95) return value.toFixed(0);
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2);
}

// A measured rate has no more than three digits that mean something.
function roundedTo3(value: number): number {
  return value < 1000 ? value : Number(value.toPrecision(3));
}
