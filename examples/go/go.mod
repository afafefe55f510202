module example.com/ctlstore-example

go 1.19
