@echo off
rem VoxTale on Windows: double-click, or `run.bat doctor`. Prepares .venv once, then opens the studio.
setlocal
cd /d "%~dp0"
chcp 65001 >nul
set PYTHONUTF8=1
set "command=%~1"
if "%command%"=="" set "command=serve"
set "supported=import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))"

if not exist .venv\Scripts\python.exe (
  echo Creating .venv ...
  py -3.12 -m venv .venv 2>nul || py -3.11 -m venv .venv 2>nul || python -m venv .venv
  .venv\Scripts\python -c "%supported%" 2>nul
  if errorlevel 1 (
    if exist .venv rmdir /s /q .venv
    echo VoxTale needs Python 3.11 or 3.12: install it from https://www.python.org/downloads/ and run this again.
    pause
    exit /b 1
  )
)
fc /b requirements.txt .venv\requirements.installed >nul 2>nul
if errorlevel 1 (
  echo Installing what the studio needs; once, a few minutes ...
  .venv\Scripts\python -m pip install --disable-pip-version-check --quiet -r requirements.txt
  if errorlevel 1 (
    echo The installation stopped. Look at the lines above, check the network and the disk, and run this again.
    pause
    exit /b 1
  )
  copy /y requirements.txt .venv\requirements.installed >nul
)
.venv\Scripts\python app.py %command% %2 %3 %4 %5 %6 %7 %8 %9
set "status=%errorlevel%"
if not "%status%"=="0" pause
exit /b %status%
