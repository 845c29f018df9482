import { useSeen } from "../api/events";

/** What the pass under way has come to, line by line, as it comes. */
export function ProgressList() {
  const { progress, live } = useSeen();
  return (
    <section aria-label="Progress">
      <h2>Progress</h2>
      {!live && <p className="muted">The stream of events is not open; the result will be here all the same.</p>}
      <ol className="progress" role="log">
        {progress.map((each, number) => (
          <li key={number}>
            <span className="muted">{each.type}</span> {each.address ?? each.provider} {each.text}
          </li>
        ))}
      </ol>
    </section>
  );
}
