import type { ComponentChildren } from "preact";
import { OWN_ID } from "../live/protocol";
import { Banner } from "./Banner";
import { DeviceView } from "./device/DeviceView";
import { Header } from "./Header";
import { DeviceList } from "./list/DeviceList";
import { usePage } from "./page";
import { Dialog } from "./parts/Dialog";
import { lazy } from "./parts/lazy";
import { hashOf } from "./route";

const nothing = () => null;
const LogIn = lazy(() => import("./access/LogIn").then((room) => room.LogIn));
const LogInCover = lazy(() => import("./access/LogInCover").then((room) => room.LogInCover));
const ConfirmIdentity = lazy(
  () => import("./access/ConfirmIdentity").then((room) => room.ConfirmIdentity),
  nothing,
);
const AccessRoom = lazy(() => import("./access/AccessRoom").then((room) => room.AccessRoom));
const AlertRoom = lazy(() => import("./alerts/AlertRoom").then((room) => room.AlertRoom));
const SystemView = lazy(() => import("./system/SystemView").then((room) => room.SystemView));
const Wall = lazy(() => import("./wall/Wall").then((room) => room.Wall));
const AddDevice = lazy(() => import("./list/AddDevice").then((room) => room.AddDevice), AddDeviceFrame);
const AlertsDrawer = lazy(() => import("./AlertsDrawer").then((room) => room.AlertsDrawer));

/** The whole page. Where a session ends while it is in use, it stays below the log in, as it was left. */
export function App() {
  const page = usePage();
  const isLoggedOut = page.live.isLoggedOut.value;
  if (isLoggedOut && !page.live.session.value) {
    return (
      <>
        <Header />
        <main class="alone">
          <LogIn />
        </main>
      </>
    );
  }
  return (
    <>
      <Rooms />
      {page.live.rest.confirmation.isAsked.value && <ConfirmIdentity />}
      {isLoggedOut && <LogInCover />}
    </>
  );
}

/** Header, banner, and the list beside the open device (on a phone: one of the two), or another view. */
function Rooms() {
  const page = usePage();
  const { deviceId, isAdding, isWall, access, alerts } = page.route.value;
  if (isWall) return <Wall />;
  const isLost = page.live.lostAt.value !== null;
  return (
    <>
      <Header />
      <Banner />
      {deviceId === OWN_ID || access !== null || alerts !== null ? (
        <main class="panes" data-lost={isLost}>
          {access !== null ? (
            <AccessRoom view={access} />
          ) : alerts !== null ? (
            <AlertRoom place={alerts} />
          ) : (
            <SystemRoom />
          )}
        </main>
      ) : (
        <main class="panes" data-pane={deviceId === null ? "list" : "device"} data-lost={isLost}>
          <DeviceList />
          <DeviceView />
        </main>
      )}
      {isAdding && page.rights.value.may("devices:write") && <AddDevice />}
      {page.isAlertsOpen.value && (
        <AlertsFrame>
          <AlertsDrawer />
        </AlertsFrame>
      )}
    </>
  );
}

/** The hub's own figures, or for whom they are. */
function SystemRoom() {
  const page = usePage();
  if (!page.live.session.value || page.rights.value.mayForAll("metrics:scrape")) return <SystemView />;
  return (
    <div class="panel whole">
      <p class="message">The hub's own figures are for those who see the whole hub.</p>
    </div>
  );
}

function AddDeviceFrame({ children }: { children: ComponentChildren }) {
  const page = usePage();
  const close = () => {
    location.hash = hashOf({ ...page.route.peek(), isAdding: false });
  };
  return (
    <Dialog title="Add a device" close={close}>
      {children}
    </Dialog>
  );
}

function AlertsFrame({ children }: { children: ComponentChildren }) {
  const page = usePage();
  const close = () => {
    page.isAlertsOpen.value = false;
  };
  return (
    <Dialog title="Needs attention" close={close} isDrawer>
      {children}
    </Dialog>
  );
}
