import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { FailureNotice } from "./notice";

/** What was asked for, once it is there; what is shown stays while it is asked again, with why that failed. */
export function Loaded<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
  return (
    <>
      <FailureNotice error={query.error} />
      {query.isPending && !query.error && <p className="loading">Loading …</p>}
      {query.data !== undefined && children(query.data)}
    </>
  );
}
