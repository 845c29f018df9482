import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { answer, api, asFailure } from "../api/client";
import { sessionQuery } from "../api/session";
import { Button } from "../components/button";
import { Field } from "../components/field";
import { Form, text } from "../components/form";
import { FailureNotice } from "../components/notice";
import { FirstAdmin } from "./first-admin";

/** Below this code the server says that the password is right and an authenticator's code is missing. */
const SECOND_FACTOR = "CND-2304";

/** What stands in place of every page until somebody is recognised. */
export function SignIn() {
  const setup = useQuery({ queryKey: ["setup"], queryFn: () => answer(api.GET("/api/setup/status")) });
  const [byKey, setByKey] = useState(false);
  const first = setup.data?.initialized === false;
  return (
    <main className="sign-in">
      <h1>conduit</h1>
      {first ? <FirstAdmin made={() => void setup.refetch()} /> : byKey ? <WithKey /> : <WithPassword />}
      {!first && (
        <p className="actions">
          <Button quiet onClick={() => setByKey(!byKey)}>
            {byKey ? "Sign in with a password" : "Sign in with an API key"}
          </Button>
          <LookAround />
        </p>
      )}
    </main>
  );
}

function useLogin() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (body: { username?: string; password?: string; totp?: string; api_key?: string }) =>
      answer(api.POST("/api/auth/login", { body: { cookie: true, ...body } as never })),
    onSuccess: () => queries.resetQueries({ queryKey: sessionQuery.queryKey }),
  });
}

function WithPassword() {
  const login = useLogin();
  const second = login.error !== null && asFailure(login.error).code === SECOND_FACTOR;
  const [asked, setAsked] = useState(false);
  if (second && !asked) setAsked(true);
  return (
    <Form
      label="Sign in"
      onSubmit={(form) =>
        login.mutate({ username: text(form, "username"), password: text(form, "password"), totp: text(form, "totp") })
      }
    >
      <Field name="username" label="User name" autoComplete="username" required autoFocus />
      <Field name="password" label="Password" type="password" autoComplete="current-password" required />
      {asked && (
        <Field
          name="totp"
          label="Code of your authenticator app, or a recovery code"
          autoComplete="one-time-code"
          required
          autoFocus
        />
      )}
      {!second && <FailureNotice error={login.error} />}
      <Button type="submit" busy={login.isPending}>
        Sign in
      </Button>
    </Form>
  );
}

function WithKey() {
  const login = useLogin();
  return (
    <Form label="Sign in with an API key" onSubmit={(form) => login.mutate({ api_key: text(form, "key") })}>
      <Field name="key" label="API key" type="password" autoComplete="off" hint="Of `make dev` it is in .sandbox/api-key" required autoFocus />
      <FailureNotice error={login.error} />
      <Button type="submit" busy={login.isPending}>
        Sign in
      </Button>
    </Form>
  );
}

/** Where the settings open reading on loopback, one may look without signing in; asked only when somebody wants to. */
function LookAround() {
  const queries = useQueryClient();
  const look = useMutation({
    mutationFn: () => answer(api.GET("/api/status")),
    onSuccess: () => queries.setQueryData(sessionQuery.queryKey, { state: "reader" }),
  });
  return (
    <>
      <Button quiet onClick={() => look.mutate()} busy={look.isPending}>
        Look without signing in
      </Button>
      {look.error && <span role="alert">Reading is not open here.</span>}
    </>
  );
}
