/**
 * The errors a user may see. Each says what was expected, what came, and where; anything else that is thrown is a
 * bug and may crash.
 */
export interface Complaint {
  /** Stable and public: `{"error":{"code"}}` of `--json`. */
  readonly code: string;
  readonly expected: string;
  readonly got: string;
  readonly where: string;
}

/** A failure we foresaw. The command line and the agent's loop catch this class and its children only. */
export class KnownError extends Error implements Complaint {
  readonly code: string;
  readonly expected: string;
  readonly got: string;
  readonly where: string;

  constructor(complaint: Complaint, options?: ErrorOptions) {
    super(`${complaint.where}: expected ${complaint.expected}, got ${complaint.got}`, options);
    this.name = new.target.name;
    this.code = complaint.code;
    this.expected = complaint.expected;
    this.got = complaint.got;
    this.where = complaint.where;
  }
}

/** The command line or the configuration asks for something unknown or out of range. */
export class UsageError extends KnownError {}

/** A file of the host is missing, torn or not what its name says. */
export class HostError extends KnownError {}

/** CloudMonitor, the metadata service or another cloud interface said no, or nothing. */
export class CloudError extends KnownError {}

/** A machine cannot be changed, or not be changed back. */
export class RemedyError extends KnownError {}

/** The state directory cannot be used. */
export class StoreError extends KnownError {}

/** The console cannot listen where it should. */
export class ConsoleError extends KnownError {}

/**
 * What stands in the way of a file, in words where we have them.
 *
 * @param absence what is not there: a file to read, or the folder of one to write.
 */
export function fileProblemOf(error: unknown, absence: "no such file" | "no such folder"): string {
  const code = errorCodeOf(error);
  return (code === "ENOENT" ? absence : FILE_PROBLEMS[code ?? ""]) ?? code ?? String(error);
}

const FILE_PROBLEMS: Readonly<Record<string, string>> = {
  EACCES: "no permission",
  EPERM: "no permission",
  EISDIR: "a directory",
  ENOTDIR: "no such folder",
  ENOSPC: "no space left",
  EROFS: "a read-only file system",
};

/** `ENOENT`, `EACCES`, … of an error of Node's file system calls; undefined for anything else. */
export function errorCodeOf(error: unknown): string | undefined {
  if (error instanceof Error && "code" in error && typeof error.code === "string") return error.code;
  return undefined;
}
