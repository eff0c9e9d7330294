"""The dashboard in a real browser without a screen: it loads, its numbers live, a customer is looked up, nothing complains.

test_dashboard.py BINARY [FOLDER]: screenshots go to FOLDER, when it is given. Needs chromium, chromium-driver, python3-selenium.
"""
import os
import shutil
import sys
import unittest

from running_demo import RunningDemo

binary, folder = "build/release/segstream", None
WAIT_S = 60


class Dashboard(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        cls.demo = RunningDemo(binary)
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,1000"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        cls.page = webdriver.Chrome(service=Service(shutil.which("chromedriver")), options=options)

    @classmethod
    def tearDownClass(cls):
        cls.page.quit()
        cls.demo.stop()

    def setUp(self):
        self.page.get(f"http://{self.demo.address}/")
        self.until(lambda: len(self.all("#charts figure")) == 3)

    def all(self, selector):
        from selenium.webdriver.common.by import By

        return self.page.find_elements(By.CSS_SELECTOR, selector)

    def until(self, is_true):
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.page, WAIT_S).until(lambda _: is_true())

    def text(self, selector):
        return self.page.execute_script("return document.querySelector(arguments[0]).innerText", selector)

    def number(self, title):
        script = ("return [...document.querySelectorAll('#totals div')].find(d => d.firstChild.innerText === arguments[0])"
                  ".lastChild.innerText")
        return int(self.page.execute_script(script, title).replace(",", ""))

    def look(self, name):
        if folder:
            os.makedirs(folder, exist_ok=True)
            height = self.page.execute_script("return document.documentElement.scrollHeight")
            self.page.set_window_size(self.page.get_window_size()["width"], height + 120)
            self.page.save_screenshot(os.path.join(folder, name + ".png"))

    def ask(self, customer, token):
        for name, value in (("customer", customer), ("token", token)):
            field = self.all(f"[name={name}]")[0]
            field.clear()
            field.send_keys(value)
        field.submit()

    def complaints(self):
        return [line["message"] for line in self.page.get_log("browser") if "401" not in line["message"]]

    def test_numbers_live_while_one_looks(self):
        self.assertEqual(self.text("#state"), "Running")
        before = self.number("Events")
        self.until(lambda: self.number("Events") > before)
        self.assertEqual(self.complaints(), [])

    def test_a_customer_is_shown_to_who_has_the_token(self):
        self.ask(self.demo.customer, "wrong")
        self.until(lambda: "http.token" in self.text("#customer"))
        self.ask(self.demo.customer, self.demo.TOKEN)
        self.until(lambda: self.all("#customer table"))
        self.assertIn(self.demo.customer, self.text("#customer"))
        self.assertEqual(self.complaints(), [])
        self.until(lambda: self.all("#readouts table"))
        self.look("dashboard")

    def test_segments_and_sequences_are_shown(self):
        self.until(lambda: len(self.all("#readouts table")) >= 2)
        self.assertIn("lifecycle.", self.text("#readouts"))
        self.assertEqual(self.complaints(), [])

    def test_nothing_is_asked_of_anybody_else(self):
        asked = [line["message"] for line in self.page.get_log("performance") if "Network.requestWillBeSent" in line["message"]]
        self.assertTrue(asked)
        for message in asked:
            self.assertTrue(self.demo.address in message or "data:," in message, message)

    def test_it_fits_a_phone_and_the_dark(self):
        self.page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                  {"width": 390, "height": 800, "deviceScaleFactor": 2, "mobile": True})
        self.page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]})
        self.assertLessEqual(self.page.execute_script("return document.documentElement.scrollWidth"), 390)
        self.assertEqual(self.page.execute_script("return getComputedStyle(document.body).backgroundColor"), "rgb(20, 23, 26)")
        self.look("dashboard-phone")
        self.page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

    def test_the_keyboard_is_enough(self):
        from selenium.webdriver.common.keys import Keys

        names = []
        self.all("body")[0].send_keys(Keys.TAB)
        for _ in range(6):
            here = self.page.switch_to.active_element
            names.append(here.get_attribute("name") or here.tag_name)
            here.send_keys(Keys.TAB)
        self.assertEqual(names[:3], ["customer", "token", "button"])


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_dashboard.py BINARY [FOLDER]")
    binary = os.path.abspath(sys.argv.pop(1))
    folder = sys.argv.pop(1) if len(sys.argv) > 1 and not sys.argv[1].startswith(("Dashboard", "-")) else None
    unittest.main()
