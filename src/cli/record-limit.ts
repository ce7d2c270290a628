// The longest record, as a log is to be opened with.

/** The option of `openLog` for what was said on the command line. */
export function limitOf({ maxRecordBytes }: { readonly maxRecordBytes: number | undefined }): {
  maxRecordBytes?: number;
} {
  return maxRecordBytes === undefined ? {} : { maxRecordBytes };
}
