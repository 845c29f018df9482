import { createContext, useContext } from "react";
import { may, type Session } from "../api/session";

/** Who sits at the browser, for every page below. */
export const SessionContext = createContext<Session>({ state: "out" });

export const useSession = () => useContext(SessionContext);

/** Return whether the caller may do something, to leave out what would only be refused. */
export const useMay = (permission: string) => may(useSession(), permission);
