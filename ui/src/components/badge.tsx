import type { Tone } from "./notice";

const TONES: Record<string, Tone> = {
  up: "good", healthy: "good", ok: "good", valid: "good", success: "good", in_sync: "good", passed: "good", proved: "good",
  degraded: "warn", expiring: "warn", pending: "warn", drift: "warn", both: "warn", unproven: "warn", reverted: "warn", skipped: "warn", stale: "warn",
  down: "bad", expired: "bad", revoked: "bad", failed: "bad", failure: "bad", quarantined: "bad", "partly failed": "bad",
};
/** The documented API has a word of its own for what is called up everywhere else. */
const WORDS: Record<string, string> = { healthy: "up" };
const SIGNS: Record<Tone, string> = { good: "✓", warn: "!", bad: "✕", plain: "·" };

/** A state in one word, told apart by its sign too and not by its colour alone. */
export function Badge({ state }: { state: string }) {
  const tone = TONES[state] ?? "plain";
  return (
    <span className={`badge ${tone}`}>
      <span aria-hidden="true">{SIGNS[tone]}</span> {WORDS[state] ?? state.replaceAll("_", " ")}
    </span>
  );
}
