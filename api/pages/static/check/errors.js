// The errors of the check: one class for each thing that a caller tells apart, as in ledger/errors.py.
//
// `Malformed` does not parse; `Invalid` breaks a rule of form; `Refused`, and in it `Forbidden`, is in conflict with
// what the ledger holds; `Disproved` is a numbered check of format.md §7 that failed; `Unknown` could not be told.

/** Anything that is refused; `pointer` is the JSON pointer of the place. */
export class PatinaError extends Error {
  constructor(message, pointer = "") {
    super(message);
    this.pointer = pointer;
  }
}
export class Malformed extends PatinaError {}
export class Invalid extends PatinaError {}
export class Refused extends PatinaError {}
export class Forbidden extends Refused {}
export class Unknown extends PatinaError {}

/** A check failed: `check` is its number, `index` the leaf's, if it is one leaf's fault. */
export class Disproved extends PatinaError {
  constructor(message, check, index = null) {
    super(message);
    this.check = check;
    this.index = index;
  }
}
