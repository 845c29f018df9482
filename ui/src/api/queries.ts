import { queryOptions } from "@tanstack/react-query";
import { answer, api, whole } from "./client";
import type { Declared, Drift, JournalEntry, Loop, Plan, Run } from "./types";

/** Everything the dashboard reads, each under the key by which events refresh it. The API's own loose types get names here. */

/** What is live may have been changed by hand a moment ago, so a page that shows it always looks anew. */
const AT_ONCE = { staleTime: 0, refetchInterval: 30_000 } as const;

export const planQuery = queryOptions({
  ...AT_ONCE,
  queryKey: ["plan"],
  queryFn: async () => (await answer(api.GET("/api/diff"))) as unknown as Plan,
});

export const driftQuery = queryOptions({
  ...AT_ONCE,
  queryKey: ["drift"],
  queryFn: async () => (await answer(api.GET("/api/drift"))) as unknown as Drift,
});

export const loopQuery = queryOptions({
  queryKey: ["loop"],
  queryFn: async () => (await answer(api.GET("/api/loop"))) as Loop,
});

export const statusQuery = queryOptions({
  queryKey: ["status"],
  queryFn: () => answer(api.GET("/api/status")),
});

export const servicesQuery = queryOptions({
  queryKey: ["services"],
  queryFn: async () => (await answer(api.GET("/api/services"))).services,
});

/** One declared resource with its version. */
export const resourceQuery = (kind: string, name: string) =>
  queryOptions({
    queryKey: ["resource", kind, name],
    queryFn: async () => {
      const found = await whole(api.GET("/api/resources/{kind}/{name}", { params: { path: { kind, name } } }));
      return { declared: found.data as Declared, etag: found.etag };
    },
  });

export const runsQuery = queryOptions({
  queryKey: ["runs"],
  queryFn: async () => {
    const found = (await answer(api.GET("/api/runs", { params: { query: { limit: 100 } } }))) as { runs?: Run[] };
    return (found.runs ?? []).toReversed();
  },
});

export const runQuery = (number: number) =>
  queryOptions({
    queryKey: ["runs", number],
    queryFn: async () => {
      const found = await answer(api.GET("/api/runs/{number}", { params: { path: { number } } }));
      return (found as { entries?: JournalEntry[] }).entries ?? [];
    },
  });

export const journalQuery = queryOptions({
  queryKey: ["journal"],
  queryFn: async () => {
    const found = await answer(api.GET("/api/journal", { params: { query: { limit: 1 } } }));
    return { broken: (found as { broken?: string | null }).broken ?? null };
  },
});

export const certificatesQuery = queryOptions({
  queryKey: ["certificates"],
  queryFn: async () => (await answer(api.GET("/api/tls"))).certs,
});

export const authorityQuery = queryOptions({
  queryKey: ["authority"],
  queryFn: async () => (await answer(api.GET("/api/tls/ca"))).ca,
});

export const namesQuery = queryOptions({
  queryKey: ["dns"],
  queryFn: async () => (await answer(api.GET("/api/dns"))).entries,
});

export const routesQuery = queryOptions({
  queryKey: ["routes"],
  queryFn: async () => (await answer(api.GET("/api/routing"))).routes,
});

export const auditQuery = (limit: number) =>
  queryOptions({
    queryKey: ["audit", limit],
    queryFn: () => answer(api.GET("/api/audit", { params: { query: { limit } } })),
  });

export const usersQuery = queryOptions({
  queryKey: ["users"],
  queryFn: async () => (await answer(api.GET("/api/users"))).users,
});

export const keysQuery = queryOptions({
  queryKey: ["keys"],
  queryFn: async () => (await answer(api.GET("/api/apikeys"))).api_keys,
});
