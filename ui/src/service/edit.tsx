import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, asFailure, whole } from "../api/client";
import type { Declared, Fields, Plan, Result } from "../api/types";
import { Button } from "../components/button";
import { ChangeView } from "../components/change";
import { Select } from "../components/field";
import { Form } from "../components/form";
import { FailureNotice, Notice } from "../components/notice";
import { Problems } from "../components/problems";
import { ResultView } from "../components/result";
import { FieldsForm } from "./fields-form";
import { YamlForm } from "./yaml-form";

const OUTDATED = 412;
const WAYS = { form: "a form", yaml: "YAML" };

type Props = {
  declared: Declared;
  /** The version that is shown when the editing begins; it becomes that of each save. */
  etag: string;
  /** Begin again with what is declared by now. */
  again: () => void;
};

/** Changes the fields of a resource in the version that is shown; what somebody else changed since is refused. */
export function Edit({ declared, etag, again }: Props) {
  const [way, setWay] = useState<string>("form");
  const [fields, setFields] = useState<Fields>(declared.fields);
  const [wrong, setWrong] = useState("");
  const put = usePut(declared, etag);
  const Way = way === "form" ? FieldsForm : YamlForm;
  const outdated = put.error !== null && asFailure(put.error).status === OUTDATED;
  return (
    <section aria-label="Change">
      <h2>Change</h2>
      <Form label="Change the service" onSubmit={() => wrong || put.mutate({ fields, dry: false })}>
        <Select name="way" label="As" choices={WAYS} value={way} onChange={setWay} />
        <Way fields={fields} change={setFields} error={put.error} tellWrong={setWrong} />
        {wrong && <Notice tone="bad">{wrong}</Notice>}
        <p className="actions">
          <Button quiet busy={put.isPending} onClick={() => wrong || put.mutate({ fields, dry: true })}>
            Show what it would change
          </Button>
          <Button type="submit" busy={put.isPending}>
            {put.isPending ? "Working …" : "Save and apply"}
          </Button>
        </p>
      </Form>
      <FailureNotice error={put.error} />
      {outdated && (
        <Button quiet onClick={again}>
          Load the newer version
        </Button>
      )}
      {put.data?.plan && <Preview plan={put.data.plan} />}
      <ResultView result={put.data?.result} />
    </section>
  );
}

function usePut(declared: Declared, etag: string) {
  const queries = useQueryClient();
  const [version, setVersion] = useState(etag);
  const path = { kind: declared.kind, name: declared.name };
  return useMutation({
    mutationFn: async ({ fields, dry }: { fields: Fields; dry: boolean }) => {
      const params = { path, query: { dry_run: dry }, header: { "If-Match": version } };
      const found = await whole(api.PUT("/api/resources/{kind}/{name}", { params, body: fields }));
      if (dry) return { plan: found.data as unknown as Plan };
      setVersion(found.etag);
      return { result: found.data as unknown as Result };
    },
    onSuccess: () => queries.invalidateQueries({ queryKey: ["resource", path.kind, path.name] }),
  });
}

function Preview({ plan }: { plan: Plan }) {
  return (
    <section aria-label="What it would change">
      <Problems title="This would be refused" problems={plan.unsafe} />
      {plan.resource_changes.length === 0 && <p>It would change nothing.</p>}
      {plan.resource_changes.map((change) => (
        <ChangeView key={change.address} change={change} />
      ))}
    </section>
  );
}
