import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { servicesQuery } from "../api/queries";
import { Badge } from "../components/badge";
import { Loaded } from "../components/loaded";
import { LongTable } from "../components/long-table";
import { Page } from "../components/page";
import { Time } from "../components/time";
import { useMay } from "../session/context";

/** Every declared service with its last check; the server tells when one changes. */
export function Services() {
  const services = useQuery({ ...servicesQuery, refetchInterval: 30_000 });
  const mayRegister = useMay("services:write");
  return (
    <Page
      title="Services"
      actions={
        mayRegister && (
          <Link className="button" href="/services/new">
            Register a service
          </Link>
        )
      }
    >
      <Loaded query={services}>
        {(found) => (
          <LongTable
            caption="Services"
            rows={found}
            words={(each) => `${each.name} ${each.domain} ${each.host} ${each.health_status}`}
            id={(each) => each.name}
            empty="No service is declared yet."
            columns={[
              { head: "Name", cell: (each) => <Link href={`/services/${encodeURIComponent(each.name)}`}>{each.name}</Link> },
              { head: "Health", cell: (each) => <Badge state={each.health_status} /> },
              { head: "Address", cell: (each) => <a href={addressOf(each)}>{each.domain}</a> },
              { head: "Upstream", cell: (each) => <code>{each.host ? `${each.host}:${each.port}` : "–"}</code> },
              { head: "Response", cell: (each) => milliseconds(each.response_time), number: true },
              { head: "Checked", cell: (each) => <Time at={each.last_check} /> },
            ]}
          />
        )}
      </Loaded>
    </Page>
  );
}

const addressOf = (each: { tls_enabled: boolean; domain: string }) => `${each.tls_enabled ? "https" : "http"}://${each.domain}/`;

/** Return a response time in words. */
export const milliseconds = (time: number | null | undefined) => (time == null ? "–" : `${Math.round(time)} ms`);
