import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api } from "../api/client";
import { authorityQuery, certificatesQuery } from "../api/queries";
import type { Certificate, Result } from "../api/types";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { Dialog } from "../components/dialog";
import { Loaded } from "../components/loaded";
import { LongTable } from "../components/long-table";
import { FailureNotice } from "../components/notice";
import { Page } from "../components/page";
import { ResultView } from "../components/result";
import { Time } from "../components/time";
import { useMay } from "../session/context";

/** The certificates as the proxies serve them, and the authority behind them. */
export function Certificates() {
  const certificates = useQuery(certificatesQuery);
  const authority = useQuery(authorityQuery);
  const mayRotate = useMay("certificates:write");
  const [chosen, choose] = useState("");
  const queries = useQueryClient();
  const rotate = useMutation({
    mutationFn: async (name: string) =>
      (await answer(api.POST("/api/tls/{name}/rotate", { params: { path: { name } } }))) as Result,
    onSettled: () => queries.invalidateQueries({ queryKey: ["certificates"] }),
  });
  return (
    <Page title="Certificates">
      {chosen && (
        <Dialog title={`Rotate the certificate of ${chosen}?`} go="Rotate" danger onGo={() => rotate.mutate(chosen)} onClose={() => choose("")}>
          <p>The one that is served now is revoked, and another one is issued and served.</p>
        </Dialog>
      )}
      {rotate.isPending && <p role="status">Rotating …</p>}
      <FailureNotice error={rotate.error} />
      <ResultView result={rotate.data} />
      <Loaded query={certificates}>
        {(found) => (
          <LongTable
            caption="Certificates"
            rows={found}
            words={(each) => `${each.name} ${each.domain} ${each.status}`}
            id={(each) => each.name}
            empty="Nothing is served over TLS."
            columns={[
              { head: "Service", cell: (each) => <strong>{each.name}</strong> },
              { head: "Domain", cell: (each) => each.domain },
              { head: "Status", cell: (each) => <Badge state={each.status} /> },
              { head: "Expires", cell: (each) => <Time at={each.not_after} /> },
              { head: "Algorithm", cell: (each) => each.algorithm },
              { head: "Serial", cell: (each) => <code className="data">{each.serial}</code> },
              ...(mayRotate ? [{ head: "Do", cell: (each: Certificate) => <Rotate name={each.name} choose={choose} /> }] : []),
            ]}
          />
        )}
      </Loaded>
      <h2>Internal authority</h2>
      <Loaded query={authority}>
        {(found) => (
          <>
            <p>
              {found.issuer}, expires <Time at={found.not_after} />
            </p>
            <p className="data">
              SHA-256 <code>{found.fingerprint}</code>
            </p>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Rotate({ name, choose }: { name: string; choose: (name: string) => void }) {
  return (
    <Button quiet onClick={() => choose(name)} aria-label={`Rotate ${name}`}>
      Rotate
    </Button>
  );
}
