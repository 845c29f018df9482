import createClient from "openapi-fetch";
import type { paths } from "./schema";

/** The typed client of the API; the session's cookie goes along by itself. */
export const api = createClient<paths>({ baseUrl: "", credentials: "same-origin" });

/** A request that did not work: what the server said of it, and the field that is to blame. */
export class Failure extends Error {
  constructor(
    message: string,
    readonly status = 0,
    readonly code = "",
    readonly field = "",
    readonly hint = "",
  ) {
    super(message);
  }
}

type Asked<T> = Promise<{ data?: T; error?: unknown; response: Response }>;

/** Return what a request answers. Throws `Failure`, also when nothing answers at all. */
export async function answer<T>(asked: Asked<T>): Promise<T> {
  return (await whole(asked)).data;
}

/** Return the answer with its ETag, the version to send back as If-Match. */
export async function whole<T>(asked: Asked<T>): Promise<{ data: T; etag: string }> {
  const { data, error, response } = await asked.catch(() => {
    throw new Failure("conduit does not answer. Is `conduit serve` running?");
  });
  if (!response.ok) throw failure(error, response);
  return { data: data as T, etag: response.headers.get("ETag") ?? "" };
}

/** Both dialects of a failed request: `detail` is in either, `error` in the documented one alone. */
function failure(body: unknown, response: Response): Failure {
  const told = (typeof body === "object" && body !== null ? body : {}) as Record<string, unknown>;
  const word = (name: string) => (typeof told[name] === "string" ? told[name] : "");
  const message = word("error") || word("detail") || `the server answered ${response.status}`;
  return new Failure(message, response.status, word("code"), word("field"), word("hint"));
}

/** Return an error as a `Failure`; one that is none is a fault of this page. */
export function asFailure(error: unknown): Failure {
  return error instanceof Failure ? error : new Failure(error instanceof Error ? error.message : String(error));
}
