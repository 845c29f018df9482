/** A value of a field: an old one is struck out, for ears as well. */
export function Value({ value, old }: { value: unknown; old?: boolean }) {
  const words = wordsOf(value);
  return old ? <del>{words}</del> : <ins>{words}</ins>;
}

/** Return a value as one line; null and undefined stand for a field that is not there. */
export function wordsOf(value: unknown): string {
  if (value === null || value === undefined) return "not set";
  return typeof value === "string" ? value : JSON.stringify(value);
}
