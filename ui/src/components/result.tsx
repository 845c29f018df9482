import type { Result } from "../api/types";
import { Notice } from "./notice";
import { Outcomes } from "./outcomes";

/** What came of something that was applied: the words of the command line, and each change. */
export function ResultView({ result }: { result: Result | undefined }) {
  if (!result) return null;
  const words = [result.stdout, result.stderr].filter(Boolean).join("\n").trim();
  return (
    <section aria-label="Result">
      <Notice tone={result.ok ? (result.stderr ? "warn" : "good") : "bad"} title={result.ok ? "Done" : "It did not work"}>
        <pre className="words">{words}</pre>
      </Notice>
      {result.changes.length > 0 && <Outcomes outcomes={result.changes} />}
    </section>
  );
}
