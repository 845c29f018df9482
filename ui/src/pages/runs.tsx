import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { auditQuery, journalQuery, runsQuery } from "../api/queries";
import type { AuditEntry, Run } from "../api/types";
import { Badge } from "../components/badge";
import { Field } from "../components/field";
import { Loaded } from "../components/loaded";
import { Notice } from "../components/notice";
import { Page } from "../components/page";
import { Table } from "../components/table";
import { Time } from "../components/time";
import { useMay } from "../session/context";

/** The timeline: who applied what, of which commit, and how it ended. */
export function Runs() {
  const runs = useQuery(runsQuery);
  const journal = useQuery(journalQuery);
  const audit = useQuery({ ...auditQuery(500), enabled: useMay("audit:read") });
  const [about, setAbout] = useState("");
  const who = peopleOf(audit.data?.entries ?? []);
  return (
    <Page title="Runs">
      {journal.data?.broken && (
        <Notice tone="bad" title="The journal was changed">
          <p>{journal.data.broken}</p>
        </Notice>
      )}
      <Field label="Only what touched" type="search" placeholder="service, or route/wiki" value={about} onChange={(event) => setAbout(event.target.value)} />
      <Loaded query={runs}>
        {(found) => (
          <Table
            caption="Runs, newest first"
            rows={found.filter((run) => touches(run, about.trim()))}
            id={(run) => String(run.run)}
            empty="No run touched that."
            columns={[
              { head: "Run", cell: (run) => <Link href={`/runs/${run.run}`}>{run.run}</Link> },
              { head: "When", cell: (run) => <Time at={run.started} /> },
              { head: "Who", cell: (run) => who.get(run.run) ?? "–" },
              { head: "Commit", cell: (run) => (run.commit ? <code>{run.commit.slice(0, 7)}</code> : "–") },
              { head: "Changed", cell: (run) => <Changed run={run} about={about.trim()} /> },
              { head: "Result", cell: (run) => <Badge state={run.result} /> },
            ]}
          />
        )}
      </Loaded>
    </Page>
  );
}

/** The audit trail knows who set a run off. */
function peopleOf(entries: readonly AuditEntry[]): ReadonlyMap<number, string> {
  const rows = entries.filter((entry) => typeof entry.details["run"] === "number" && entry.details["run"] > 0);
  return new Map(rows.map((entry) => [entry.details["run"] as number, entry.user]));
}

const touches = (run: Run, about: string) => about === "" || run.outcomes.some((outcome) => outcome.address.includes(about));

/** What a run changed, beginning with what was looked for. */
function Changed({ run, about }: { run: Run; about: string }) {
  const first = run.outcomes.find((outcome) => outcome.address.includes(about));
  if (!first) return <>nothing</>;
  const rest = run.outcomes.filter((outcome) => outcome !== first);
  return (
    <>
      {first.action} {first.address}
      {rest.length > 0 && <span className="muted"> and {rest.length} more</span>}
    </>
  );
}
