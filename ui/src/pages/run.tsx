import { useQuery } from "@tanstack/react-query";
import { runQuery, runsQuery } from "../api/queries";
import { Loaded } from "../components/loaded";
import { Outcomes } from "../components/outcomes";
import { Page } from "../components/page";
import { Table } from "../components/table";
import { Time } from "../components/time";
import { wordsOf } from "../components/value";

/** One run: what it set out to do and what came of it, as the journal has it. */
export function Run({ number }: { number: number }) {
  const run = useQuery(runsQuery).data?.find((each) => each.run === number);
  const entries = useQuery(runQuery(number));
  return (
    <Page title={`Run ${number}`}>
      {run && (
        <>
          <p>
            {run.operation}, <Time at={run.started} />, {run.result}. {run.commit && <code>commit {run.commit}</code>} Plan{" "}
            <code>{run.plan_digest.slice(0, 12)}</code>
          </p>
          <Outcomes outcomes={run.outcomes} />
        </>
      )}
      <h2>Journal</h2>
      <Loaded query={entries}>
        {(found) => (
          <Table
            caption="Entries of the journal"
            rows={found}
            id={(entry) => String(entry.seq)}
            empty="The journal has nothing about it."
            columns={[
              { head: "Entry", cell: (entry) => entry.seq },
              { head: "When", cell: (entry) => <Time at={entry.time} /> },
              { head: "Event", cell: (entry) => entry.event },
              { head: "Data", cell: (entry) => <code className="data">{wordsOf(entry.data)}</code> },
            ]}
          />
        )}
      </Loaded>
    </Page>
  );
}
