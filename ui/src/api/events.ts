import { useQueryClient, type QueryClient } from "@tanstack/react-query";
import { useEffect, useSyncExternalStore } from "react";
import { planQuery } from "./queries";
import type { Plan, Progress } from "./types";

const AGAIN_AFTER = 15_000;
const REMEMBERED = 200;

/** What the last stream of events told: whether it is open, and the progress of the pass under way. */
type Seen = { live: boolean; progress: readonly Progress[] };

let seen: Seen = { live: false, progress: [] };
const watchers = new Set<() => void>();

function become(next: Partial<Seen>) {
  seen = { ...seen, ...next };
  watchers.forEach((watcher) => watcher());
}

function watch(watcher: () => void) {
  watchers.add(watcher);
  return () => void watchers.delete(watcher);
}

/** Return what the stream tells, as it comes. */
export const useSeen = () => useSyncExternalStore(watch, () => seen);

/** Forget the progress of an earlier pass. */
export const forgetProgress = () => become({ progress: [] });

/** Listen to the server's events for as long as the component is shown; each refreshes what it is about. */
export function useEvents() {
  const queries = useQueryClient();
  useEffect(() => {
    let stream: EventSource;
    let timer = 0;
    const open = () => {
      stream = new EventSource("/api/events");
      stream.onopen = () => become({ live: true });
      stream.onerror = () => {
        become({ live: false });
        // The browser comes back by itself with the last event it saw, unless the server refused the stream.
        if (stream.readyState === EventSource.CLOSED) timer = window.setTimeout(open, AGAIN_AFTER);
      };
      listen(stream, queries);
    };
    open();
    return () => {
      window.clearTimeout(timer);
      stream.close();
      become({ live: false });
    };
  }, [queries]);
}

function listen(stream: EventSource, queries: QueryClient) {
  const stale = (...keys: string[]) => keys.forEach((key) => void queries.invalidateQueries({ queryKey: [key] }));
  stream.addEventListener("plan", (event) => {
    const plan = JSON.parse(event.data) as Plan & { shortened?: boolean };
    if (plan.shortened) stale("plan");
    else queries.setQueryData(planQuery.queryKey, plan);
    stale("drift", "loop");
  });
  stream.addEventListener("progress", (event) => {
    become({ progress: [...seen.progress, JSON.parse(event.data) as Progress].slice(-REMEMBERED) });
  });
  stream.addEventListener("report", () => {
    stale("plan", "drift", "runs", "journal", "status", "services", "routes", "certificates", "dns", "resource", "audit");
  });
  stream.addEventListener("missed", () => void queries.invalidateQueries());
  stream.addEventListener("failed", () => stale("loop"));
  stream.addEventListener("health", () => stale("services", "routes", "status"));
}
