import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState, type ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { answer, api } from "../api/client";
import { useEvents, useSeen } from "../api/events";
import { planQuery } from "../api/queries";
import { sessionQuery } from "../api/session";
import { useSession } from "../session/context";
import { Banners } from "./banners";
import { Button } from "./button";

const PAGES = [
  ["/", "Overview"],
  ["/services", "Services"],
  ["/plan", "Plan"],
  ["/drift", "Drift"],
  ["/runs", "Runs"],
  ["/certificates", "Certificates"],
  ["/dns", "DNS"],
  ["/routes", "Routes"],
  ["/audit", "Audit"],
  ["/people", "People and keys"],
] as const;

/** What stands around every page: the way to the others, who is signed in, and what nobody may overlook. */
export function Layout({ children }: { children: ReactNode }) {
  useEvents();
  const [open, setOpen] = useState(false);
  return (
    <div className="layout">
      <a className="skip" href="#content">
        Skip to the content
      </a>
      <header className="top">
        <Link href="/" className="name">
          conduit
        </Link>
        <Live />
        <Who />
        <button type="button" className="button quiet menu" aria-expanded={open} aria-controls="pages" onClick={() => setOpen(!open)}>
          Menu
        </button>
      </header>
      <nav id="pages" aria-label="Pages" data-open={open} onClick={() => setOpen(false)}>
        <Pages />
      </nav>
      <main id="content" tabIndex={-1}>
        <Banners />
        {children}
      </main>
    </div>
  );
}

function Pages() {
  const [location] = useLocation();
  const plan = useQuery({ ...planQuery, enabled: false }).data;
  const counts: Record<string, number> = { "/plan": plan?.resource_changes.length ?? 0, "/drift": plan?.summary.drift ?? 0 };
  return (
    <ul>
      {PAGES.map(([path, name]) => {
        const here = path === "/" ? location === path : location.startsWith(path);
        return (
          <li key={path}>
            <Link href={path} aria-current={here ? "page" : undefined}>
              {name} {counts[path] ? <span className="count">{counts[path]}</span> : null}
            </Link>
          </li>
        );
      })}
    </ul>
  );
}

function Live() {
  const { live } = useSeen();
  return <span className={`live ${live ? "on" : ""}`}>{live ? "live" : "not live"}</span>;
}

function Who() {
  const session = useSession();
  const queries = useQueryClient();
  const leave = async () => {
    if (session.state === "in") await answer(api.POST("/api/auth/logout")).catch(() => undefined);
    queries.setQueryData(sessionQuery.queryKey, { state: "out" });
    queries.removeQueries({ predicate: (query) => query.queryKey[0] !== sessionQuery.queryKey[0] });
  };
  return (
    <span className="who">
      <span className="who-name">{session.state === "in" ? session.name : "reading only"}</span>
      <Button quiet onClick={() => void leave()}>
        {session.state === "in" ? "Sign out" : "Sign in"}
      </Button>
    </span>
  );
}
