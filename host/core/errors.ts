/**
 * Every failure that a user can meet, as a typed error.
 *
 * An error names the thing that is wrong (op, tensor, file and offset, expected and got) in its
 * message, says what to do next in its hint, and carries the exit code of the command line.
 */

export const exitCodes = {
  ok: 0,
  internal: 1,
  usage: 2,
  badInput: 3,
  unsupported: 4,
  doesNotFit: 5,
  toolchain: 6,
  deviceNotFound: 7,
  link: 8,
  flashVerify: 9,
  gate: 10,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface ErrorDetails {
  /** What to do next, as a full sentence. */
  readonly hint: string;
  /** The place: a file with its offset, an op, a tensor, a port. */
  readonly where?: string | undefined;
  readonly cause?: unknown;
}

/** The base of all errors that edge-nn raises on purpose. */
export class EdgeNnError extends Error {
  readonly code: ExitCode;
  readonly hint: string;
  readonly where: string | undefined;

  constructor(code: ExitCode, message: string, details: ErrorDetails) {
    super(message, { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.hint = details.hint;
    this.where = details.where;
  }
}

/** A wrong command line, option, configuration or output path. Exit code 2. */
export class UsageError extends EdgeNnError {
  constructor(message: string, details: ErrorDetails) {
    super(exitCodes.usage, message, details);
  }
}

/** A model, checkpoint or dataset that cannot be used. Exit code 3. */
export class BadInputError extends EdgeNnError {
  constructor(message: string, details: ErrorDetails) {
    super(exitCodes.badInput, message, details);
  }
}

/** An operator, dtype or attribute that this stage has no rule for. Exit code 4. */
export class UnsupportedError extends EdgeNnError {
  constructor(message: string, details: ErrorDetails) {
    super(exitCodes.unsupported, message, details);
  }
}

/** Firmware that is larger than its board. Exit code 5. */
export class DoesNotFitError extends EdgeNnError {
  constructor(message: string, details: ErrorDetails) {
    super(exitCodes.doesNotFit, message, details);
  }
}

/** A compiler, emulator or package that is missing or failed. Exit code 6. */
export class ToolchainError extends EdgeNnError {
  constructor(message: string, details: ErrorDetails) {
    super(exitCodes.toolchain, message, details);
  }
}

/** No device, no such port, no permission, or a port that is in use. Exit code 7. */
export class DeviceNotFoundError extends EdgeNnError {
  constructor(message: string, details: ErrorDetails) {
    super(exitCodes.deviceNotFound, message, details);
  }
}

/** A device that does not answer, or answers something else than the protocol. Exit code 8. */
export class LinkError extends EdgeNnError {
  constructor(message: string, details: ErrorDetails) {
    super(exitCodes.link, message, details);
  }
}

/** A device that runs something else than what was flashed. Exit code 9. */
export class FlashVerifyError extends EdgeNnError {
  constructor(message: string, details: ErrorDetails) {
    super(exitCodes.flashVerify, message, details);
  }
}

/** Accuracy below its gate, or outputs that differ from the oracle. Exit code 10. */
export class GateError extends EdgeNnError {
  constructor(message: string, details: ErrorDetails) {
    super(exitCodes.gate, message, details);
  }
}
