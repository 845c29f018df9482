import { useQuery } from "@tanstack/react-query";
import { keysQuery, usersQuery } from "../api/queries";
import { Badge } from "../components/badge";
import { Loaded } from "../components/loaded";
import { LongTable } from "../components/long-table";
import { Page } from "../components/page";
import { Time } from "../components/time";
import { useMay } from "../session/context";

/** Who may come in, and with which keys programs do; both are declared or made elsewhere. */
export function People() {
  const users = useQuery({ ...usersQuery, enabled: useMay("users:read") });
  const keys = useQuery({ ...keysQuery, enabled: useMay("apikeys:read") });
  return (
    <Page title="People and keys">
      <h2>People</h2>
      <Loaded query={users}>
        {(found) => (
          <LongTable
            caption="People"
            rows={found}
            words={(each) => `${each.username} ${each.role}`}
            id={(each) => each.uid}
            empty="No user is declared."
            columns={[
              { head: "Name", cell: (each) => <strong>{each.username}</strong> },
              { head: "Role", cell: (each) => each.role },
              { head: "Active", cell: (each) => (each.is_active ? "yes" : "no") },
              { head: "Deployments", cell: (each) => each.deployment_count, number: true },
              { head: "Last here", cell: (each) => <Time at={each.last_login_at} /> },
            ]}
          />
        )}
      </Loaded>
      <h2>API keys</h2>
      <Loaded query={keys}>
        {(found) => (
          <LongTable
            caption="API keys"
            rows={found}
            words={(each) => `${each.name} ${each.key_prefix}`}
            id={(each) => each.key_id}
            empty="There is no API key."
            columns={[
              { head: "Name", cell: (each) => <strong>{each.name}</strong> },
              { head: "Begins with", cell: (each) => <code>{each.key_prefix}</code> },
              { head: "Role", cell: (each) => each.role || "its owner's" },
              { head: "State", cell: (each) => <Badge state={each.is_active ? "valid" : "revoked"} /> },
              { head: "Last used", cell: (each) => <Time at={each.last_used_at} /> },
              { head: "Expires", cell: (each) => <Time at={each.expires_at} /> },
            ]}
          />
        )}
      </Loaded>
    </Page>
  );
}
