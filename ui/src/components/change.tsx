import type { Change } from "../api/types";
import { Badge } from "./badge";
import { At } from "./problems";
import { Value } from "./value";

/** One change of a plan: what is done to what, why, what it interrupts, and field by field from what to what. */
export function ChangeView({ change }: { change: Change }) {
  const action = change.actions.length > 1 ? "replace" : change.actions[0];
  const before = change.before ?? {};
  const after = change.after ?? {};
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return (
    <details className="change" open={action === "update" || action === "replace"}>
      <summary>
        <span className={`action ${action}`}>{action}</span> <strong>{change.address}</strong>{" "}
        <Badge state={change.origin} /> <span className="muted">{change.impact.text}</span>
      </summary>
      {change.reason && <p>{change.reason}</p>}
      {fields.length > 0 && (
        <dl className="fields">
          {fields.map((field) => (
            <div key={field}>
              <dt>{field}</dt>
              <dd>
                {before[field] != null && <Value value={before[field]} old />}
                {change.after_unknown.includes(field) ? <em>known after apply</em> : field in after && <Value value={after[field]} />}
              </dd>
            </div>
          ))}
        </dl>
      )}
      {fields.length === 0 && change.raw && (
        <pre className="raw" tabIndex={0}>
          {change.raw}
        </pre>
      )}
      <p>
        <At source={change.source} />
      </p>
    </details>
  );
}
