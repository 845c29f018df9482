import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link } from "wouter";
import { answer, api } from "../api/client";
import type { Registration, Result } from "../api/types";
import { Button } from "../components/button";
import { errorOf, Field, Select } from "../components/field";
import { Form, text } from "../components/form";
import { FailureNotice } from "../components/notice";
import { Page } from "../components/page";
import { ResultView } from "../components/result";

const FIELDS = ["name", "host", "port", "health_path"];

/** Registers a service: a manifest is written, committed and applied, and the answer says what is then true. */
export function Register() {
  const queries = useQueryClient();
  const register = useMutation({
    mutationFn: async (body: Registration) => (await answer(api.POST("/api/services", { body }))) as Result,
    onSuccess: () => queries.invalidateQueries({ queryKey: ["services"] }),
  });
  const { error, data, variables } = register;
  return (
    <Page title="Register a service">
      <Form label="Register a service" onSubmit={(form) => register.mutate(registrationOf(form))}>
        <Field name="name" label="Name" hint="Letters, digits, - and _; its host name is made of it" required error={errorOf(error, "name")} />
        <Field name="host" label="Host" hint="An address or a host name, perhaps with a port: 10.0.1.5:3000" required error={errorOf(error, "host")} />
        <Field name="port" label="Port" type="number" min={1} max={65535} hint="80 unless said" error={errorOf(error, "port")} />
        <Field name="health_path" label="Health path" placeholder="/" error={errorOf(error, "health_path")} />
        <Select name="tls" label="Served over" choices={{ on: "HTTPS, with a certificate", off: "HTTP alone" }} />
        <FailureNotice error={error} unless={FIELDS} />
        <Button type="submit" busy={register.isPending}>
          {register.isPending ? "Registering …" : "Register"}
        </Button>
      </Form>
      <ResultView result={data} />
      {data?.ok && variables && (
        <p>
          <Link href={`/services/${encodeURIComponent(variables.name)}`}>Open {variables.name}</Link>
        </p>
      )}
    </Page>
  );
}

function registrationOf(form: FormData): Registration {
  return {
    name: text(form, "name"),
    host: text(form, "host"),
    port: text(form, "port") ? Number(text(form, "port")) : null,
    health_path: text(form, "health_path") || null,
    no_tls: text(form, "tls") === "off",
    overwrite: false,
  } as Registration;
}
