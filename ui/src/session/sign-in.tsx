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

const WAYS = { first: "Make the first admin", password: "Sign in with a password", key: "Sign in with an API key" };
type Way = keyof typeof WAYS;

/** What stands in place of every page until somebody is recognised. */
export function SignIn() {
  const setup = useQuery({ queryKey: ["setup"], queryFn: () => answer(api.GET("/api/setup/status")) });
  const [chosen, choose] = useState<Way | null>(null);
  const none = setup.data?.initialized === false;
  const way = chosen ?? (none ? "first" : "password");
  const made = () => {
    choose("password");
    void setup.refetch();
  };
  const others = (Object.keys(WAYS) as Way[]).filter((each) => each !== way && (each !== "first" || none));
  return (
    <main className="sign-in">
      <h1>conduit</h1>
      {way === "first" ? <FirstAdmin made={made} /> : way === "key" ? <WithKey /> : <WithPassword />}
      <p className="actions">
        {others.map((each) => (
          <Button key={each} quiet onClick={() => choose(each)}>
            {WAYS[each]}
          </Button>
        ))}
        <LookAround />
      </p>
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
      <Field name="key" label="API key" type="password" autoComplete="off" hint="After make dev it is in .sandbox/api-key" required autoFocus />
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
