import { useMutation } from "@tanstack/react-query";
import { answer, api } from "../api/client";
import { Button } from "../components/button";
import { Field, errorOf } from "../components/field";
import { Form, text } from "../components/form";
import { FailureNotice } from "../components/notice";

/** Makes the first admin with the token that only root of the machine can read. */
export function FirstAdmin({ made }: { made: () => void }) {
  const make = useMutation({
    mutationFn: (body: { token: string; username: string; password: string; email: string }) =>
      answer(api.POST("/api/auth/bootstrap", { body })),
    onSuccess: made,
  });
  return (
    <Form
      label="Make the first admin"
      onSubmit={(form) =>
        make.mutate({
          token: text(form, "token"),
          username: text(form, "username"),
          password: text(form, "password"),
          email: "",
        })
      }
    >
      <p>Nobody can sign in yet. Make the first admin here; it becomes an entry in a manifest.</p>
      <Field name="token" label="Bootstrap token" hint="The command conduit token makes one on the machine" autoComplete="off" required autoFocus error={errorOf(make.error, "token")} />
      <Field name="username" label="User name" autoComplete="username" required error={errorOf(make.error, "username")} />
      <Field name="password" label="Password" type="password" hint="12 characters or more" autoComplete="new-password" required error={errorOf(make.error, "password")} />
      <FailureNotice error={make.error} unless={["token", "username", "password"]} />
      <Button type="submit" busy={make.isPending}>
        Make the first admin
      </Button>
    </Form>
  );
}
