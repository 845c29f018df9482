import { useMutation, useQuery } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { namesQuery } from "../api/queries";
import { Button } from "../components/button";
import { errorOf, Field } from "../components/field";
import { Form, text } from "../components/form";
import { Loaded } from "../components/loaded";
import { LongTable } from "../components/long-table";
import { FailureNotice, Notice } from "../components/notice";
import { Page } from "../components/page";
import { Time } from "../components/time";

/** The names dnsmasq answers by itself, and asking it for any. */
export function Names() {
  const names = useQuery(namesQuery);
  const resolve = useMutation({
    mutationFn: (domain: string) => answer(api.GET("/api/dns/resolve", { params: { query: { domain } } })),
  });
  return (
    <Page title="DNS">
      <Form label="Resolve a name" onSubmit={(form) => resolve.mutate(text(form, "domain"))}>
        <Field name="domain" label="Resolve a name" hint="dnsmasq itself is asked" required error={errorOf(resolve.error, "domain")} />
        <Button type="submit" busy={resolve.isPending}>
          Resolve
        </Button>
      </Form>
      <FailureNotice error={resolve.error} unless={["domain"]} />
      {resolve.data && (
        <Notice tone={resolve.data.ok ? "good" : "warn"}>
          <p>
            {resolve.data.domain} {resolve.data.ip ? `is ${resolve.data.ip}` : "has no address"}
          </p>
        </Notice>
      )}
      <Loaded query={names}>
        {(found) => (
          <LongTable
            caption="Names"
            rows={found}
            words={(each) => `${each.domain} ${each.ip} ${each.source}`}
            id={(each) => `${each.domain} ${each.ip}`}
            empty="dnsmasq answers no name by itself."
            columns={[
              { head: "Name", cell: (each) => <strong>{each.domain}</strong> },
              { head: "Address", cell: (each) => <code>{each.ip}</code> },
              { head: "From", cell: (each) => each.source },
              { head: "Since", cell: (each) => <Time at={each.created_at} /> },
            ]}
          />
        )}
      </Loaded>
    </Page>
  );
}
