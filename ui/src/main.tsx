import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { asFailure } from "./api/client";
import { App } from "./app";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/parts.css";
import "./styles/table.css";

const queries: QueryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // Only silence is worth another try: what the server refused it refuses again.
      retry: (count, error) => asFailure(error).status === 0 && count < 2,
    },
  },
});

/** A session that ended is noticed by whatever is asked next. */
queries.getQueryCache().subscribe((event) => {
  if (event.type === "updated" && event.action.type === "error" && asFailure(event.action.error).status === 401) {
    queries.setQueryData(["session"], { state: "out" });
  }
});

/** A page that is open while the dashboard is built again asks for files that are gone: it starts anew. */
window.addEventListener("vite:preloadError", () => window.location.reload());

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}
