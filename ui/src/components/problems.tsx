import type { Problem, Source } from "../api/types";
import { Notice } from "./notice";

/** Problems with where they were declared, what to do next and their code. */
export function Problems({ title, problems }: { title: string; problems: readonly Problem[] }) {
  if (problems.length === 0) return null;
  return (
    <Notice tone="bad" title={title}>
      <ul className="problems">
        {problems.map((each, number) => (
          <li key={number}>
            {each.message} <At source={each.source} /> <small>{each.code}</small>
            {each.hint && <p>{each.hint}</p>}
          </li>
        ))}
      </ul>
    </Notice>
  );
}

/** Where something is declared. */
export function At({ source }: { source: Source }) {
  return source ? <code className="at">{`${source.file}:${source.line}`}</code> : null;
}
