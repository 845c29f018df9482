import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";
import { loopQuery, planQuery, statusQuery } from "../api/queries";
import type { Plan } from "../api/types";
import { Badge } from "../components/badge";
import { Loaded } from "../components/loaded";
import { Page } from "../components/page";
import { Suspend } from "../components/suspension";
import { Time } from "../components/time";

/** The state of the site at a glance, in the numbers of `conduit diff`, `drift` and the documented status. */
export function Overview() {
  const plan = useQuery(planQuery);
  const loop = useQuery(loopQuery).data;
  const status = useQuery({ ...statusQuery, refetchInterval: 30_000 });
  return (
    <Page title="Overview" actions={loop && !loop.suspended && <Suspend />}>
      <Loaded query={plan}>{(found) => <Difference plan={found} />}</Loaded>
      <Loaded query={status}>
        {(found) => (
          <section aria-label="Health">
            <h2>Health</h2>
            <div className="cards">
              <Card title="Services" to="/services">
                <Count name="up" value={found.services.up} />
                <Count name="degraded" value={found.services.degraded} />
                <Count name="down" value={found.services.down} />
                <Count name="declared" value={found.services.total} />
              </Card>
              <Card title="Certificates" to="/certificates">
                <Count name="valid" value={found.certs.valid} />
                <Count name="expiring" value={found.certs.expiring} />
                <Count name="expired" value={found.certs.expired} />
              </Card>
              <Card title="Daemons">
                <Answers name="Caddy" answers={found.caddy} />
                <Answers name="dnsmasq" answers={found.dns} />
              </Card>
              <Card title="Servers">
                <Count name="online" value={found.servers.online} />
                <Count name="in all" value={found.servers.total} />
              </Card>
            </div>
            {found.last_audit && (
              <p>
                Last act: {found.last_audit.message} <span className="muted">by {found.last_audit.user}</span>,{" "}
                <Time at={found.last_audit.timestamp} />. <Link href="/audit">All of them</Link>
              </p>
            )}
          </section>
        )}
      </Loaded>
    </Page>
  );
}

function Difference({ plan }: { plan: Plan }) {
  const { summary } = plan;
  return (
    <section aria-label="Declared and live">
      <h2>
        Declared and live <Badge state={summary.state} />
      </h2>
      <div className="cards">
        <Card title="Plan" to="/plan">
          {(["create", "update", "replace", "delete", "adopt"] as const).map((action) => (
            <Count key={action} name={action} value={summary[action]} />
          ))}
        </Card>
        <Card title="Drift" to="/drift">
          <Count name="changed on the host" value={summary.drift} />
          <Count name="ignored" value={summary.ignored} />
        </Card>
        <Card title="Resources">
          <Count name="unchanged" value={summary.unchanged} />
          <Count name="unmanaged" value={summary.unmanaged} />
          <Count name="unknown" value={summary.unknown} />
        </Card>
      </div>
      {plan.unknown.map((each) => (
        <p key={each.provider}>
          <Badge state="down" /> {each.provider} cannot be read: {each.reason}
        </p>
      ))}
    </section>
  );
}

function Card({ title, to, children }: { title: string; to?: string; children: ReactNode }) {
  return (
    <div className="card">
      <h3>{to ? <Link href={to}>{title}</Link> : title}</h3>
      <dl className="counts">{children}</dl>
    </div>
  );
}

function Count({ name, value }: { name: string; value: number }) {
  return (
    <div className={value ? "" : "zero"}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Answers({ name, answers }: { name: string; answers: boolean }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <Badge state={answers ? "up" : "down"} />
      </dd>
    </div>
  );
}
