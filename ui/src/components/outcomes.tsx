import type { Outcome } from "../api/types";
import { Badge } from "./badge";
import { Table } from "./table";

/** How each change of a run ended. */
export function Outcomes({ outcomes }: { outcomes: readonly Outcome[] }) {
  return (
    <Table
      caption="How each change ended"
      rows={outcomes}
      id={(each) => `${each.action} ${each.address}`}
      empty="Nothing had to be changed."
      columns={[
        { head: "Resource", cell: (each) => <strong>{each.address}</strong> },
        { head: "Action", cell: (each) => each.action },
        { head: "Result", cell: (each) => <Badge state={each.result} /> },
        { head: "Reason", cell: (each) => each.reason },
        { head: "Seconds", cell: (each) => each.seconds.toFixed(2), number: true },
      ]}
    />
  );
}
