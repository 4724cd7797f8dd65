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

const LoggedOut = lazy(() => import("./LoggedOut").then((room) => room.LoggedOut));
const SystemView = lazy(() => import("./system/SystemView").then((room) => room.SystemView));
const Wall = lazy(() => import("./wall/Wall").then((room) => room.Wall));
const AddDevice = lazy(() => import("./list/AddDevice").then((room) => room.AddDevice), AddDeviceFrame);
const AlertsDrawer = lazy(() => import("./AlertsDrawer").then((room) => room.AlertsDrawer));

/** The whole page: header, banner, and the list beside the open device (on a phone: one of the two). */
export function App() {
  const page = usePage();
  const { deviceId, isAdding, isWall } = page.route.value;
  if (page.live.isLoggedOut.value) {
    return (
      <>
        <Header />
        <LoggedOut />
      </>
    );
  }
  if (isWall) return <Wall />;
  const isLost = page.live.lostAt.value !== null;
  return (
    <>
      <Header />
      <Banner />
      {deviceId === OWN_ID ? (
        <main class="panes" data-lost={isLost}>
          <SystemView />
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
