import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api } from "../api/client";
import { resourceQuery } from "../api/queries";
import type { Declared, Result } from "../api/types";
import { Badge } from "../components/badge";
import { Button } from "../components/button";
import { Dialog } from "../components/dialog";
import { Loaded } from "../components/loaded";
import { FailureNotice, Notice } from "../components/notice";
import { Page } from "../components/page";
import { ResultView } from "../components/result";
import { Time } from "../components/time";
import { Edit } from "../service/edit";
import { useMay } from "../session/context";
import { milliseconds } from "./services";

/** One service: how it is doing, checking it now, changing and removing it. */
export default function Service({ name }: { name: string }) {
  const service = useQuery(resourceQuery("service", name));
  const mayWrite = useMay("services:write");
  const [round, begin] = useState(0);
  const again = async () => {
    await service.refetch();
    begin(round + 1);
  };
  const remove = useRemoval(name);
  if (remove.data?.ok) {
    return (
      <Page title={name}>
        <ResultView result={remove.data} />
      </Page>
    );
  }
  return (
    <Page title={name} actions={<Actions name={name} remove={remove} />}>
      {remove.isPending && <p role="status">Removing …</p>}
      <FailureNotice error={remove.error} />
      <ResultView result={remove.data} />
      <Loaded query={service}>
        {({ declared, etag }) => (
          <>
            <About declared={declared} />
            <Check name={name} />
            {mayWrite && <Edit key={round} declared={declared} etag={etag} again={() => void again()} />}
          </>
        )}
      </Loaded>
    </Page>
  );
}

function useRemoval(name: string) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: async () => (await answer(api.DELETE("/api/services/{name}", { params: { path: { name } } }))) as Result,
    onSuccess: (result) => {
      if (result.ok) queries.removeQueries({ queryKey: ["resource", "service", name] });
      void queries.invalidateQueries({ queryKey: ["services"] });
    },
  });
}

function Actions({ name, remove }: { name: string; remove: ReturnType<typeof useRemoval> }) {
  const mayDelete = useMay("services:delete");
  const [asked, ask] = useState(false);
  if (!mayDelete) return null;
  return (
    <>
      <Button danger busy={remove.isPending} onClick={() => ask(true)}>
        Remove
      </Button>
      {asked && (
        <Dialog title={`Remove ${name}?`} go="Remove" danger onGo={() => remove.mutate()} onClose={() => ask(false)}>
          <p>Its manifest entry goes, and with it its name, route and certificate.</p>
        </Dialog>
      )}
    </>
  );
}

function About({ declared }: { declared: Declared }) {
  return (
    <dl className="about">
      <div>
        <dt>Health</dt>
        <dd>
          <Badge state={declared.health.state ?? "unknown"} /> {milliseconds(declared.health.milliseconds)}, checked{" "}
          <Time at={declared.health.checked} />
        </dd>
      </div>
      <div>
        <dt>Declared at</dt>
        <dd>
          <code>{declared.source}</code>
        </dd>
      </div>
      <div>
        <dt>Stands for</dt>
        <dd>{declared.leaves.join(", ") || "nothing yet"}</dd>
      </div>
    </dl>
  );
}

function Check({ name }: { name: string }) {
  const queries = useQueryClient();
  const check = useMutation({
    mutationFn: () => answer(api.GET("/api/services/{name}/health", { params: { path: { name } } })),
    onSettled: () => queries.invalidateQueries({ queryKey: ["resource", "service", name] }),
  });
  return (
    <>
      <p>
        <Button quiet busy={check.isPending} onClick={() => check.mutate()}>
          Check now
        </Button>
      </p>
      <FailureNotice error={check.error} />
      {check.data && (
        <Notice tone={check.data.health_status === "healthy" ? "good" : "warn"}>
          <p>
            <Badge state={check.data.health_status} /> {milliseconds(check.data.response_time)} {check.data.detail}
          </p>
        </Notice>
      )}
    </>
  );
}
