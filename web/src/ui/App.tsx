import { AddDevice } from "./AddDevice";
import { Banner } from "./Banner";
import { DeviceList } from "./DeviceList";
import { DeviceView } from "./DeviceView";
import { Header } from "./Header";
import { usePage } from "./page";
import { SignedOut } from "./SignedOut";

/** The whole page: header, banner, and the list with the open device beside it (on a phone: one of the two). */
export function App() {
  const page = usePage();
  const { deviceId, isAdding } = page.route.value;
  if (page.live.isSignedOut.value) {
    return (
      <>
        <Header />
        <SignedOut />
      </>
    );
  }
  const isLost = page.live.lostAt.value !== null;
  return (
    <>
      <Header />
      <Banner />
      <main class="panes" data-pane={deviceId === null ? "list" : "device"} data-lost={isLost}>
        <DeviceList />
        <DeviceView />
      </main>
      {isAdding && page.mayOperate.value && <AddDevice />}
    </>
  );
}
