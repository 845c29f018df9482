import { queryOptions } from "@tanstack/react-query";
import { answer, api, asFailure } from "./client";

/** Who sits at the browser. `permissions` is null when the server does not list them: it says no when something is not allowed. */
export type Session =
  | { state: "in"; name: string; person: boolean; permissions: ReadonlySet<string> | null }
  | { state: "reader" }
  | { state: "out" };

/** Ask the server whose cookie this is; it is looked up, so a session that ended is out. */
export const sessionQuery = queryOptions({
  queryKey: ["session"],
  queryFn: recognise,
  staleTime: Infinity,
});

async function recognise(): Promise<Session> {
  try {
    const found = (await answer(api.GET("/api/auth/validate"))) as { message?: string; user?: string };
    if (!found.user) return { state: "in", name: "admin", person: false, permissions: null };
    const { permissions } = await answer(api.GET("/api/users/me"));
    return { state: "in", name: found.user, person: true, permissions: new Set(permissions) };
  } catch (error) {
    if (asFailure(error).status === 401) return { state: "out" };
    throw error;
  }
}

/** Whether a caller may do something; a reader who did not sign in changes nothing. */
export function may(session: Session, permission: string): boolean {
  if (session.state !== "in") return false;
  return session.permissions?.has(permission) ?? true;
}
