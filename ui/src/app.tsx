import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import { Route, Switch } from "wouter";
import { sessionQuery } from "./api/session";
import { Layout } from "./components/layout";
import { FailureNotice } from "./components/notice";
import { Page } from "./components/page";
import { Audit } from "./pages/audit";
import { Certificates } from "./pages/certificates";
import { Drift } from "./pages/drift";
import { Names } from "./pages/names";
import { Overview } from "./pages/overview";
import { People } from "./pages/people";
import { Plan } from "./pages/plan";
import { Register } from "./pages/register";
import { Routes } from "./pages/routes";
import { Run } from "./pages/run";
import { Runs } from "./pages/runs";
import { Services } from "./pages/services";
import { SessionContext } from "./session/context";
import { SignIn } from "./session/sign-in";

/** The page of one service brings a YAML parser along, so it is fetched when it is opened. */
const Service = lazy(() => import("./pages/service"));

/** The whole dashboard: who is not signed in sees the sign-in page, whatever the address. */
export function App() {
  const session = useQuery(sessionQuery);
  if (session.isPending) return <p className="loading">Loading …</p>;
  if (session.error) return <FailureNotice error={session.error} />;
  if (session.data.state === "out") return <SignIn />;
  return (
    <SessionContext value={session.data}>
      <Layout>
        <Suspense fallback={<p className="loading">Loading …</p>}>
          <Pages />
        </Suspense>
      </Layout>
    </SessionContext>
  );
}

function Pages() {
  return (
    <Switch>
      <Route path="/" component={Overview} />
      <Route path="/services" component={Services} />
      <Route path="/services/new" component={Register} />
      <Route path="/services/:name">{({ name }) => <Service key={name} name={name} />}</Route>
      <Route path="/plan" component={Plan} />
      <Route path="/drift" component={Drift} />
      <Route path="/runs" component={Runs} />
      <Route path="/runs/:number">{({ number }) => <Run number={Number(number)} />}</Route>
      <Route path="/certificates" component={Certificates} />
      <Route path="/dns" component={Names} />
      <Route path="/routes" component={Routes} />
      <Route path="/audit" component={Audit} />
      <Route path="/people" component={People} />
      <Route>
        <Page title="Nothing here">
          <p>The dashboard has no such page.</p>
        </Page>
      </Route>
    </Switch>
  );
}
