import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { routesQuery } from "../api/queries";
import { Badge } from "../components/badge";
import { Loaded } from "../components/loaded";
import { LongTable } from "../components/long-table";
import { Page } from "../components/page";
import { Time } from "../components/time";
import { milliseconds } from "./services";

/** Where each name leads, and how that is doing. */
export function Routes() {
  const routes = useQuery({ ...routesQuery, refetchInterval: 30_000 });
  return (
    <Page title="Routes">
      <Loaded query={routes}>
        {(found) => (
          <LongTable
            caption="Routes"
            rows={found}
            words={(each) => `${each.name} ${each.domain} ${each.upstream} ${each.health_status}`}
            id={(each) => each.name}
            empty="No route is declared yet."
            columns={[
              { head: "Domain", cell: (each) => <strong>{each.domain}</strong> },
              { head: "Leads to", cell: (each) => <code>{each.upstream || "–"}</code> },
              { head: "TLS", cell: (each) => (each.tls ? "yes" : "no") },
              { head: "Health", cell: (each) => <Badge state={each.health_status} /> },
              { head: "Response", cell: (each) => milliseconds(each.response_time), number: true },
              { head: "Checked", cell: (each) => <Time at={each.last_checked} /> },
              { head: "Service", cell: (each) => <Link href={`/services/${encodeURIComponent(each.name)}`}>{each.name}</Link> },
            ]}
          />
        )}
      </Loaded>
    </Page>
  );
}
